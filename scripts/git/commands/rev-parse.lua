-- git rev-parse: names of commits and facts about the repository, not its oracles of paths.
local v, o = import "git/lib/values", import "git/lib/options"

return {
  options = o.merge(o.flags "--verify -q --quiet --symbolic --symbolic-full-name --show-toplevel --is-inside-work-tree --is-inside-git-dir --is-bare-repository --is-shallow-repository --git-dir --absolute-git-dir --git-common-dir --show-prefix --show-cdup --all --branches --tags --remotes --revs-only --no-revs --show-object-format --local-env-vars", {
    ["--short"] = o.optional(v.int), ["--abbrev-ref"] = o.optional(v.one_of "strict loose"),
  }),
  words = v.revision,
  paths = false,
}
