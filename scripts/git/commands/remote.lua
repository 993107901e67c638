-- git remote: reading and writing what is configured. What contacts a remote (update, prune, show without -n, add -f) is left out.
local v, o = import "git/lib/values", import "git/lib/options"

-- A check of `count` words (or fewer, if `least` says so) of these kinds.
local function each(kinds, least)
  return function(_, words, _, request)
    if #words > #kinds or #words < (least or #kinds) then
      return "git remote: wrong number of arguments"
    end
    for i = 1, #words do
      local fault = kinds[i](words[i], request)
      if fault then
        return "Argument '" .. string.sub(words[i], 1, 60) .. "' " .. fault
      end
    end
  end
end

local remove = { options = {}, paths = false, check = each { v.remote } }
local list = { options = o.flags "-v --verbose", paths = false }

return {
  second = {
    [""] = list,
    add = {
      options = o.merge(o.flags "--tags --no-tags", { ["-t"] = o.value(v.new_ref), ["-m"] = o.value(v.new_ref) }),
      paths = false, check = each { v.remote, v.url },
    },
    remove = remove,
    rm = remove,
    rename = { options = o.flags "--no-progress", paths = false, check = each { v.remote, v.remote } },
    ["get-url"] = { options = o.flags "--push --all", paths = false, check = each { v.remote } },
    ["set-url"] = { options = o.flags "--push --add", paths = false, check = each({ v.remote, v.url, v.line }, 2) },
    ["set-branches"] = { options = o.flags "--add", paths = false, check = each({ v.remote, v.new_ref, v.new_ref, v.new_ref }, 2) },
    ["set-head"] = {
      options = o.flags "-d --delete", paths = false,
      check = function(found, words)
        local is_delete = found["-d"] or found["--delete"]
        return each(is_delete and { v.remote } or { v.remote, v.new_ref })(found, words)
      end,
    },
    show = {
      options = o.flags "-n", paths = false,
      check = function(found, words)
        if #words > 0 and not found["-n"] then
          return "git remote show contacts the remote: use -n"
        end
        return each({ v.remote, v.remote, v.remote }, 0)(found, words)
      end,
    },
  },
}
