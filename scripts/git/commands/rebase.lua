-- git rebase. Not -i, -x and --edit-todo (they start programs) and --show-current-patch.
local v, o = import "git/lib/values", import "git/lib/options"

return {
  options = o.merge(o.strategies, o.flags "--continue --abort --skip --quit --autostash --no-autostash --keep-base --root -q --quiet -v --verbose --stat -n --no-stat --no-ff --ff -f --force-rebase -m --merge --apply --keep-empty --no-keep-empty -r --no-rebase-merges --no-autosquash --update-refs --no-update-refs --fork-point --no-fork-point --committer-date-is-author-date --reset-author-date --ignore-date --signoff --reapply-cherry-picks --no-reapply-cherry-picks --no-gpg-sign --no-reschedule-failed-exec --allow-empty-message --verify", {
    ["--onto"] = o.value(v.revision), ["--empty"] = o.joined(v.one_of "drop keep ask"), ["--rebase-merges"] = o.optional(v.one_of "rebase-cousins no-rebase-cousins"),
  }),
  words = v.revision,
  paths = false,
}
