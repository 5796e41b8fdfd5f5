-- Forgets results that every group of consumers has acknowledged, and that are older than the retention.
--
-- KEYS     1 results
-- ARGV     1 retention in milliseconds  2 how many to forget at most  3 the group that must have read them in any case
-- Answers  how many were forgotten

local results, retention, limit, escalation = KEYS[1], tonumber(ARGV[1]), ARGV[2], ARGV[3]

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function is_before(one, other)
  local ms, sequence = one:match('(%d+)-(%d+)')
  local other_ms, other_sequence = other:match('(%d+)-(%d+)')
  if ms == other_ms then
    return tonumber(sequence) < tonumber(other_sequence)
  end
  return tonumber(ms) < tonumber(other_ms)
end

if redis.call('EXISTS', results) == 0 then
  return 0
end
local groups, is_read = redis.call('XINFO', 'GROUPS', results), false

-- What a group has not been given comes after its last; what it has not acknowledged, from its oldest pending one on.
local oldest = string.format('%.0f-0', math.max(now - retention, 0))
for _, fields in ipairs(groups) do
  local group = {}
  for index = 1, #fields, 2 do
    group[fields[index]] = fields[index + 1]
  end
  is_read = is_read or group['name'] == escalation
  local needed = redis.call('XPENDING', results, group['name'])[2] or group['last-delivered-id']
  if is_before(needed, oldest) then
    oldest = needed
  end
end
if not is_read then
  return 0
end
return redis.call('XTRIM', results, 'MINID', '~', oldest, 'LIMIT', limit)
