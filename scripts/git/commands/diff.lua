-- git diff: of this repository only. Two paths of outside would be compared by --no-index, so no word may lie outside.
local v, o = import "git/lib/values", import "git/lib/options"

return {
  options = o.merge(o.diff, o.flags "--cached --staged --merge-base --ours --theirs --base -1 -2 -3 -0 --cc -c"),
  words = v.revision_or_path,
}
