-- git show.
local v, o = import "git/lib/values", import "git/lib/options"

return { options = o.log, number = true, words = v.revision_or_path }
