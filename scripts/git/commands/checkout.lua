-- git checkout. Not -p (it needs a terminal), submodules, or files of names.
local v, o = import "git/lib/values", import "git/lib/options"

return {
  options = o.merge(o.flags "-q --quiet -f --force -t --no-track -d --detach --ours --theirs -m --merge -l --progress --no-progress --guess --no-guess --overlay --no-overlay --no-recurse-submodules", {
    ["-b"] = o.value(v.new_ref), ["-B"] = o.value(v.new_ref), ["--orphan"] = o.value(v.new_ref),
    ["--track"] = o.optional(v.one_of "direct inherit"), ["--conflict"] = o.value(v.one_of "merge diff3 zdiff3"),
  }),
  words = v.revision_or_path,
}
