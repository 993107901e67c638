-- Example: what is on the remote is only added to. The allow list denies --force already; this denies --force-with-lease as well.

if request.module ~= "git" or request.subcommand ~= "push" then
  return true
end
for _, word in ipairs(request.args) do
  if word:find("^%-%-force") or word == "-f" or word:find("^%+") then
    return deny("Pushes may not be forced here")
  end
end
return true
