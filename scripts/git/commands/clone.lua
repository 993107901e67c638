-- git clone: from an https or ssh address, or a folder below a root that was scanned. -u is --upload-pack here and left out.
local v, o = import "git/lib/values", import "git/lib/options"

local function check(words, request)
  if #words < 1 or #words > 2 then
    return "git clone takes an address and a folder"
  end
  local fault = v.url(words[1], request)
  if fault then
    return "The address " .. fault
  end
  fault = words[2] and v.destination(words[2], request)
  return fault and "The folder " .. fault or nil
end

return {
  options = o.merge(o.flags "-q --quiet -v --verbose --progress --no-progress -n --no-checkout --single-branch --no-single-branch --no-tags --no-hardlinks --no-shallow-submodules --no-recurse-submodules --sparse", {
    ["--depth"] = o.value(v.int), ["-b"] = o.value(v.new_ref), ["--branch"] = o.value(v.new_ref), ["-o"] = o.value(v.remote), ["--origin"] = o.value(v.remote),
    ["--filter"] = o.joined(v.filter), ["--shallow-since"] = o.value(v.line),
  }),
  paths = v.line,
  check = function(_, words, paths, request)
    local all = {}
    for i = 1, #words do
      all[#all + 1] = words[i]
    end
    for i = 1, #paths do
      all[#all + 1] = paths[i]
    end
    return check(all, request)
  end,
}
