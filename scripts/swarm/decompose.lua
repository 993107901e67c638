-- A prompt into exactly as many tasks as there are agents, without a model: the entries of its list, else its sentences, else what is
-- joined by "and", else aspects of the whole. Used where no ANTHROPIC_API_KEY is set; replace it by rules of your own.

if request.module ~= "swarm" or request.action ~= "decompose" or request.todos then
  return true
end

local wanted = request.agent_count
local most = 12000 -- bytes that are looked at; the rest of a longer prompt stays with its last task

-- Patterns here never look at the same byte again and again: a decision has a budget, and prompts may be made of anything.
local function trim(text)
  return text:find("%S") and text:match("^%s*(.*%S)") or ""
end

-- Entries of a list with two or more of them, what stands before it, and what follows it.
local function list_of(text)
  local entries, before, after = {}, {}, {}
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do
    local entry = line:match("^%s*%d+[.):]%s+(.+)$") or line:match("^%s*[-*+]%s+(.+)$") or line:match("^%s*•%s*(.+)$")
    if entry then
      entries[#entries + 1] = trim(entry)
    elseif #entries == 0 then
      before[#before + 1] = line
    elseif line:find("^%s+%S") then
      entries[#entries] = entries[#entries] .. " " .. trim(line) -- an entry that goes on
    elseif line:find("%S") then
      after[#after + 1] = trim(line)
    end
  end
  if #entries < 2 then
    return nil
  end
  return entries, trim(table.concat(before, " "):gsub("%s+", " ")), table.concat(after, " ")
end

-- Sentences and lines. A dot ends one only before a space, so that names of files stay whole.
local function sentences_of(text)
  local found, searches = {}, 0
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do
    local from = 1
    while from <= #line do
      searches = searches + 1
      local _, stop
      if searches < 200 then -- what follows the 200th is one part
        _, stop = line:find("[.!?;] ", from)
      end
      local part = trim(line:sub(from, stop or #line))
      if part:find("%w") or part:find("[\128-\255]") then
        found[#found + 1] = part
      end
      from = (stop or #line) + 1
    end
  end
  return found
end

local joints = { ",? and then ", ",? then ", ",? and ", ",? und ", ", ", " & ", " sowie " }

-- In two at the joint nearest to the middle; nil where there is none near it, or a half would say nothing.
local function halves(text)
  local reach = 1000 -- bytes around the middle that are looked at
  local first = math.max(1, #text // 2 - reach)
  local last = #text // 2 + reach
  for _, joint in ipairs(joints) do
    local best, best_stop, from = nil, nil, first
    while true do
      local start, stop = text:find(joint, from)
      if not start or start > last then
        break
      end
      if not best or math.abs(start - #text / 2) < math.abs(best - #text / 2) then
        best, best_stop = start, stop
      end
      from = stop + 1
    end
    if best and best > 4 and #text - best_stop > 4 then
      return trim(text:sub(1, best - 1)), trim(text:sub(best_stop + 1))
    end
  end
end

-- Splits the longest part again and again, until there are enough or nothing can be split.
local function split_up(parts)
  local is_whole = {}
  while #parts < wanted do
    local longest
    for i, part in ipairs(parts) do
      if not is_whole[part] and (not longest or #part > #parts[longest]) then
        longest = i
      end
    end
    if not longest then
      return
    end
    local first, second = halves(parts[longest])
    if first then
      parts[longest] = first
      table.insert(parts, longest + 1, second)
    else
      is_whole[parts[longest]] = true
    end
  end
end

-- Neighbours together, so that exactly `wanted` groups of nearly the same number remain.
local function join(parts, between)
  local groups, at = {}, 1
  for i = 1, wanted do
    local size = (#parts - at + 1) // (wanted - i + 1)
    groups[i] = table.concat(parts, between, at, at + size - 1)
    at = at + size
  end
  return groups
end

local aspects = {
  "Find out what is needed, what is there already and what stands in the way, and write the findings down, for: ",
  "Write down how to check the result, with examples of good and bad cases, for: ",
  "Describe the result for those who will use it, for: ",
  "List risks, edge cases and open questions, with a proposal for each, for: ",
}

local prompt = request.prompt
local head, rest = prompt, ""
if #prompt > most then
  local cut = most
  while cut > 1 and prompt:byte(cut + 1) >= 128 and prompt:byte(cut + 1) < 192 do
    cut = cut - 1
  end
  head, rest = prompt:sub(1, cut), prompt:sub(cut + 1)
end
head = trim((head:gsub("\r\n?", "\n"):gsub("[ \t\v\f]+", " ")))

local parts, before, after = list_of(head)
local between = "; "
if not parts then
  between = " "
  parts = sentences_of(head)
  before, after = "", ""
end
if #parts == 0 then
  parts = { head }
end
split_up(parts)

local brief = #prompt <= 2000 and prompt:gsub("%s+", " ") or parts[1]
local given = #parts
for i = 1, wanted - given do
  if wanted > 1 then
    parts[#parts + 1] = aspects[i] .. brief
  end
end
if #parts > wanted then
  parts = join(parts, between)
end

local todos = {}
for i, part in ipairs(parts) do
  local text = part
  if before ~= "" and i <= given then
    text = text .. " (part of: " .. before .. ")"
  end
  if after ~= "" and i <= given then
    text = text .. " (note: " .. after .. ")"
  end
  todos[i] = text
end
todos[#todos] = todos[#todos] .. rest
return rewrite {
  module = request.module,
  action = request.action,
  session_id = request.session_id,
  prompt = request.prompt,
  agent_count = request.agent_count,
  todos = todos,
}
