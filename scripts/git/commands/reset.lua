-- git reset. Not -p (it needs a terminal), submodules, or files of names.
local v, o = import "git/lib/values", import "git/lib/options"

return {
  options = o.flags "--soft --mixed --hard --keep --merge -q --quiet --no-quiet -N --intent-to-add --refresh --no-refresh --no-recurse-submodules",
  words = v.revision_or_path,
}
