-- git stash. -u is --include-untracked here. Not -p (it needs a terminal), create and store.
local v, o = import "git/lib/values", import "git/lib/options"

local push = {
  options = o.merge(o.flags "-u --include-untracked --no-include-untracked -a --all -k --keep-index --no-keep-index -S --staged -q --quiet", {
    ["-m"] = o.value(v.text), ["--message"] = o.value(v.text),
  }),
  words = v.path,
}
local back = { options = o.flags "--index -q --quiet", words = v.stash, paths = false }

return {
  second = {
    [""] = push,
    push = push,
    save = { options = push.options, words = v.line, paths = false },
    list = { options = o.log, number = true, paths = false },
    show = { options = o.merge(o.diff, o.flags "-u --include-untracked --only-untracked"), words = v.stash, paths = false },
    pop = back,
    apply = back,
    drop = { options = o.flags "-q --quiet", words = v.stash, paths = false },
    clear = { options = {}, paths = false },
    branch = {
      options = {}, paths = false,
      check = function(_, words)
        local fault = v.new_ref(words[1] or "") or words[2] and v.stash(words[2]) or #words > 2 and "has too many names"
        return fault and "The branch " .. fault or nil
      end,
    },
  },
}
