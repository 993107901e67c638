-- Names of uploaded files, and the form of tags that are set with PATCH.

if request.module ~= "documents" then
  return true
end

if request.action == "upload" then
  local name = request.filename or ""
  if name == "" then
    return deny("the file has no name", "/body/file")
  elseif #name > 255 then
    return deny("the file name is longer than 255 bytes", "/body/file")
  elseif name:find("[%c/\\]") then
    return deny("the file name has a slash or a control character in it", "/body/file")
  end
  return true
end

for position, tag in ipairs(request.tags or {}) do
  if not tag:find("^[%a%d-]+$") then
    return deny('Tag "' .. tag:sub(1, 60) .. '" must be letters, digits and hyphens', "/body/tags/" .. position - 1)
  end
end
return true
