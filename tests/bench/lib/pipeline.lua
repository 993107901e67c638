-- wrk script: 16 requests in one segment.
local path = wrk.path

init = function()
  local requests = {}
  for i = 1, 16 do
    requests[i] = wrk.format("GET", path)
  end
  batch = table.concat(requests)
end

request = function()
  return batch
end
