-- git merge: with a closed list of strategies, because -s NAME runs git-merge-NAME.
local v, o = import "git/lib/values", import "git/lib/options"

return {
  options = o.merge(o.strategies, o.flags "--ff --no-ff --ff-only --squash --no-squash --commit --no-commit --no-edit --abort --continue --quit --stat -n --no-stat -q --quiet -v --verbose --no-log --signoff --no-signoff --autostash --no-autostash --allow-unrelated-histories --no-gpg-sign --progress --no-progress --rerere-autoupdate --no-rerere-autoupdate", {
    ["-m"] = o.value(v.text), ["--message"] = o.value(v.text), ["--log"] = o.optional(v.int), ["--cleanup"] = o.value(v.cleanup),
  }),
  words = v.revision,
  paths = false,
}
