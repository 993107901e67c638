-- git fetch: from a configured remote. -u is --update-head-ok here and left out.
local v, o = import "git/lib/values", import "git/lib/options"

return {
  options = o.merge(o.flags "--all -a --append --atomic --unshallow --update-shallow --dry-run -p --prune -n --no-tags -t --tags -q --quiet -v --verbose --progress --no-progress --no-auto-gc --no-auto-maintenance --no-write-fetch-head --write-fetch-head --show-forced-updates --no-show-forced-updates", {
    ["--depth"] = o.value(v.int), ["--deepen"] = o.value(v.int), ["--shallow-since"] = o.value(v.line), ["--filter"] = o.joined(v.filter),
    ["--recurse-submodules"] = o.joined(v.one_of "no"), ["--no-recurse-submodules"] = "flag",
  }),
  paths = false,
  check = function(_, words)
    if words[1] and v.remote(words[1]) then
      return "A fetch is from the name of a configured remote, not from an address"
    end
    for i = 2, #words do
      local fault = v.fetch_refspec(words[i])
      if fault then
        return "Refspec '" .. string.sub(words[i], 1, 60) .. "' " .. fault
      end
    end
  end,
}
