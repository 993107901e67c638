-- git tag. Not what signs, verifies, or starts an editor; -a needs -m.
local v, o = import "git/lib/values", import "git/lib/options"

local LISTS = { "-l", "--list", "-n", "--contains", "--no-contains", "--merged", "--no-merged", "--points-at", "-d", "--delete", "--sort", "--format" }

return {
  options = o.merge(o.flags "-l --list -a --annotate -d --delete -f --force -i --ignore-case --create-reflog --no-sign --no-column --no-color", {
    ["-m"] = o.value(v.text), ["-am"] = o.value(v.text), ["--message"] = o.value(v.text), ["-n"] = o.optional(v.int), ["--sort"] = o.value(v.sort_key), ["--format"] = o.value(v.ref_format),
    ["--points-at"] = o.value(v.revision), ["--contains"] = o.optional(v.revision), ["--no-contains"] = o.optional(v.revision),
    ["--merged"] = o.optional(v.revision), ["--no-merged"] = o.optional(v.revision), ["--cleanup"] = o.value(v.cleanup),
  }),
  words = v.ref_pattern,
  paths = false,
  check = function(found, words)
    if (found["-a"] or found["--annotate"]) and not (found["-m"] or found["--message"]) then
      return "An annotated tag needs -m here, because there is no editor"
    end
    for i = 1, #LISTS do
      if found[LISTS[i]] then
        return nil
      end
    end
    local fault = words[1] and v.new_ref(words[1]) or words[2] and v.revision(words[2]) or #words > 2 and "has too many names"
    return fault and "The tag " .. fault or nil
  end,
}
