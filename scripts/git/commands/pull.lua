-- git pull: from a configured remote, without an editor.
local v, o = import "git/lib/values", import "git/lib/options"

return {
  options = o.merge(o.strategies, o.flags "-r --no-rebase --ff --ff-only --no-ff --no-edit --squash --no-squash --commit --no-commit --autostash --no-autostash --stat -n --no-stat -q --quiet -v --verbose -p --prune -t --tags --no-tags --unshallow --all --progress --no-progress --allow-unrelated-histories --signoff --no-signoff --no-gpg-sign --no-recurse-submodules", {
    ["--rebase"] = o.optional(v.one_of "true false merges"), ["--depth"] = o.value(v.int), ["--recurse-submodules"] = o.joined(v.one_of "no"),
    ["--log"] = o.optional(v.int),
  }),
  paths = false,
  check = function(_, words)
    if words[1] and v.remote(words[1]) then
      return "A pull is from the name of a configured remote, not from an address"
    end
    for i = 2, #words do
      local fault = v.fetch_refspec(words[i])
      if fault then
        return "Refspec '" .. string.sub(words[i], 1, 60) .. "' " .. fault
      end
    end
  end,
}
