-- git push: to a configured remote, never by plain force, and deleting nothing there.
local v, o = import "git/lib/values", import "git/lib/options"

return {
  options = o.merge(o.flags "-u --set-upstream --tags --follow-tags --no-follow-tags --all -n --dry-run -q --quiet -v --verbose --porcelain --progress --no-progress --atomic --no-atomic --thin --no-thin --force-if-includes --no-force-if-includes --no-signed --verify", {
    ["--force-with-lease"] = o.optional(function(text)
      return not string.find(text, "^[%w._/-]+:?[%w._/-]*$") and "is no branch with the commit expected there" or nil
    end),
    ["--recurse-submodules"] = o.joined(v.one_of "no"),
  }),
  paths = false,
  check = function(_, words)
    if words[1] and v.remote(words[1]) then
      return "A push goes to the name of a configured remote, not to an address"
    end
    for i = 2, #words do
      local fault = v.push_refspec(words[i])
      if fault then
        return "Refspec '" .. string.sub(words[i], 1, 60) .. "' " .. fault
      end
    end
  end,
}
