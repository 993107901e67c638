-- Decides on the argv of one git command, with the table of its subcommand: exact names of options, each with the kind of its value.
-- No abbreviation, no bundle that is not listed, nothing before the subcommand. Returns nil where all is fine, or the reason.
--
-- A table (scripts/git/commands/NAME.lua) has:
--   options  name → "flag" | { value = kind } | { value = kind, optional = true } | { value = kind, joined = true }
--            long names take --x=V and, unless optional or joined, --x V; short ones -xV and, unless optional, -x V
--   number   true: -5 is an option
--   words    kind of the words before --, or a function (words, found, request) that returns a reason
--   paths    kind of the words after -- (default: path)
--   check    function (found, words, paths, request) that returns a reason

local values = import "git/lib/values"
local find, sub = string.find, string.sub

local MOST_ARGUMENTS, LONGEST_ARGUMENT = 1024, 4096

local function shown(text)
  return "'" .. (#text > 60 and sub(text, 1, 60) .. "…" or text) .. "'"
end

local function refuse_option(name, text)
  return "Option " .. shown(text) .. " is not allowed for git " .. name
end

-- What is wrong with the value of an option, as a sentence.
local function bad_value(option, spec, text, request)
  local fault = spec.value(text, request)
  return fault and "The value of " .. option .. " " .. fault or nil
end

-- Takes args[i], which begins with a dash. Returns the reason or nil, and the index of the last argument taken.
local function take_option(name, command, args, i, found, request)
  local options = command.options
  local text = args[i]
  local spec = options[text]
  if spec == "flag" then
    found[text] = true
    return nil, i
  elseif spec then
    if spec.optional then
      found[text] = true
      return nil, i
    elseif spec.joined or i == #args then
      return spec.joined and refuse_option(name, text) or "Option " .. text .. " needs a value", i
    end
    local value = args[i + 1]
    if find(value, "^%-") and spec.value ~= values.text then
      return "The value of " .. text .. " begins with a dash", i
    end
    found[text] = value
    return bad_value(text, spec, value, request), i + 1
  end
  local option, value
  if find(text, "^%-%-") then
    local at = find(text, "=", 1, true)
    if not at then
      return refuse_option(name, text), i
    end
    option, value = sub(text, 1, at - 1), sub(text, at + 1)
  else
    if command.number and #text < 11 and find(text, "^%-%d+$") then
      found["-n"] = sub(text, 2)
      return nil, i
    end
    option, value = sub(text, 1, 2), sub(text, 3)
  end
  spec = options[option]
  if not spec or spec == "flag" then
    return refuse_option(name, text), i
  end
  found[option] = value
  return bad_value(option, spec, value, request), i
end

local function check_words(kind, words, request)
  for i = 1, #words do
    local fault = kind(words[i], request)
    if fault then
      return "Argument " .. shown(words[i]) .. " " .. fault
    end
  end
end

-- Length and number of all arguments.
local function bad_size(args)
  if #args > MOST_ARGUMENTS then
    return "More than " .. MOST_ARGUMENTS .. " arguments"
  end
  for i = 1, #args do
    if type(args[i]) ~= "string" then
      return "Argument " .. i .. " is no text"
    elseif #args[i] > LONGEST_ARGUMENT then
      return "Argument " .. i .. " is longer than " .. LONGEST_ARGUMENT .. " bytes"
    end
  end
end

local function split(name, command, args, first, request)
  local found, words, paths = {}, {}, {}
  local i = first
  while i <= #args do
    local text = args[i]
    if text == "--" then
      for k = i + 1, #args do
        paths[#paths + 1] = args[k]
      end
      found["--"] = true
      break
    elseif find(text, "^%-") and text ~= "-" then
      local fault
      fault, i = take_option(name, command, args, i, found, request)
      if fault then
        return fault
      end
    else
      words[#words + 1] = text
    end
    i = i + 1
  end
  return nil, found, words, paths
end

-- `first` is the index after the subcommand's name, or after that of the second word of stash and remote.
local function decide(name, command, args, first, request)
  local fault, found, words, paths = split(name, command, args, first, request)
  if fault then
    return fault
  end
  if command.words then
    fault = check_words(command.words, words, request)
  elseif #words > 0 and not command.check then
    fault = "git " .. name .. " takes no arguments here"
  end
  if not fault and #paths > 0 then
    fault = command.paths ~= false and check_words(command.paths or values.path, paths, request) or command.paths == false
      and "Nothing may follow -- here" or nil
  end
  return fault or command.check and command.check(found, words, paths, request) or nil
end

-- `commands` are the tables by name.
return function(commands, request)
  local args = request.args
  if type(args) ~= "table" or #args == 0 then
    return "There is no git command"
  end
  local fault = bad_size(args)
  if fault then
    return fault
  end
  local name, first = args[1], 2
  local command = commands[name]
  if not command then
    return "Git command " .. shown(name) .. " is not allowed"
  end
  if command.second then
    local second = args[2]
    local chosen = command.second[second]
    if chosen then
      name, command, first = name .. " " .. second, chosen, 3
    elseif second == nil or sub(second, 1, 1) == "-" then
      command = command.second[""]
    else
      return "git " .. name .. " " .. shown(second) .. " is not allowed"
    end
  end
  return decide(name, command, args, first, request)
end
