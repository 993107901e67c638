-- git branch: listing, making, renaming, deleting.
local v, o = import "git/lib/values", import "git/lib/options"

local LISTS = { "-l", "--list", "--contains", "--no-contains", "--merged", "--no-merged", "--points-at", "-a", "--all", "-r", "--remotes" }
local NAMES = { "-d", "--delete", "-D", "-dr", "-rd" }

local function has_one(found, names)
  for i = 1, #names do
    if found[names[i]] then
      return true
    end
  end
end

local function check_each(kind, words)
  for i = 1, #words do
    local fault = kind(words[i])
    if fault then
      return "Branch '" .. string.sub(words[i], 1, 60) .. "' " .. fault
    end
  end
end

return {
  options = o.merge(o.flags "-a --all -r --remotes -l --list -v -vv --verbose -avv -av --show-current -d --delete -D -dr -rd -m --move -M -c --copy -f --force -t --no-track --unset-upstream -q --quiet -i --ignore-case --no-color --no-column --create-reflog --no-abbrev", {
    ["--contains"] = o.optional(v.revision), ["--no-contains"] = o.optional(v.revision), ["--merged"] = o.optional(v.revision),
    ["--no-merged"] = o.optional(v.revision), ["--points-at"] = o.value(v.revision), ["--sort"] = o.value(v.sort_key), ["--format"] = o.value(v.ref_format),
    ["-u"] = o.value(v.ref_pattern), ["--set-upstream-to"] = o.value(v.ref_pattern), ["--track"] = o.optional(v.one_of "direct inherit"),
    ["--abbrev"] = o.optional(v.int), ["--color"] = o.optional(v.one_of "always never auto"),
  }),
  paths = false,
  check = function(found, words)
    if has_one(found, NAMES) or found["-u"] or found["--set-upstream-to"] or found["--unset-upstream"] or has_one(found, LISTS) then
      return check_each(v.ref_pattern, words)
    end
    local is_move = found["-m"] or found["--move"] or found["-M"] or found["-c"] or found["--copy"]
    if is_move then
      return words[2] and check_each(v.ref_pattern, { words[1] }) or check_each(v.new_ref, { words[2] or words[1] })
    end
    return words[1] and check_each(v.new_ref, { words[1] }) or words[2] and check_each(v.revision, { words[2] }) or #words > 2
      and "git branch takes a name and a start" or nil
  end,
}
