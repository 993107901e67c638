-- git add. Not -i, -p, -e (they need a terminal) and --pathspec-from-file (it reads any file).
local v, o = import "git/lib/values", import "git/lib/options"

return {
  options = o.merge(o.flags "-A --all --no-all --ignore-removal --no-ignore-removal -u --update -N --intent-to-add -n --dry-run -v --verbose -f --force --ignore-errors --ignore-missing --refresh --renormalize --sparse", {
    ["--chmod"] = o.joined(v.one_of "+x -x"),
  }),
  words = v.path,
}
