-- git status. Not -v: it would show differences, and with them run what the repository configures.
local v, o = import "git/lib/values", import "git/lib/options"

return {
  options = o.merge(o.flags "-s --short -b --branch -sb -bs --show-stash --no-show-stash --long -z --ahead-behind --no-ahead-behind --renames --no-renames --no-column", {
    ["--porcelain"] = o.optional(v.one_of "v1 v2 1 2"), ["-u"] = o.optional(v.one_of "no normal all"),
    ["--untracked-files"] = o.optional(v.one_of "no normal all"), ["--ignored"] = o.optional(v.one_of "traditional no matching"),
    ["--ignore-submodules"] = o.optional(v.one_of "all"), ["--find-renames"] = o.optional(v.numbers),
  }),
  words = v.path,
}
