-- The tables of all subcommands by name, read once.
local decide = import "git/lib/decide"
local tables = {}

return function(names, request)
  local args = request.args
  local name = args[1]
  if name and not tables[name] then
    for i = 1, #names do
      if names[i] == name then
        tables[name] = import("git/commands/" .. name)
      end
    end
  end
  return decide(tables, request)
end
