-- Sets something aside that nobody can work on, and tells engineers, both or neither.
--
-- KEYS     1 dead letters   2 results       3 the incident, or '' where there is none
--          4 open incidents 5 watched incidents  6 the incident's journal  7 the alerts that came to it
--          8 its placeholders
-- ARGV     1 incident id of the result      2 the result as JSON
--          3 incident id to close, or ''    4 retention in milliseconds   5 ... fields and values of the letter
-- Answers  the letter's entry id, or '' when the incident was closed already

local letters, results, incident, open_incidents, watched = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local journal, alerts = KEYS[6], KEYS[7]
local result_id, result, closing, retention = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local function is_of_type(key, expected)
  local found = redis.call('TYPE', key)['ok']
  return found == expected or found == 'none'
end

if closing ~= '' and is_of_type(incident, 'hash') and redis.call('HGET', incident, 'state') == 'CLOSED' then
  return ''
end

for _, key in ipairs({ results, letters }) do
  if not is_of_type(key, 'stream') then
    return redis.error_reply('WRONGTYPE ' .. key .. ' is no stream')
  end
end

local entry_id = redis.call('XADD', letters, '*', unpack(ARGV, 5))
redis.call('XADD', results, '*', 'incident_id', result_id, 'version', '1', 'result', result)
if closing ~= '' then
  if not is_of_type(incident, 'hash') then
    redis.call('DEL', incident)
  end
  local clock = redis.call('TIME')
  local now = string.format('%.0f', clock[1] * 1000 + math.floor(clock[2] / 1000))
  redis.call('HSET', incident, 'state', 'CLOSED', 'disposition', 'dead_lettered', 'closed_at', now)
  redis.call('HDEL', incident, 'lease_until', 'token')
  redis.call('PEXPIRE', incident, retention)
  redis.call('PEXPIRE', journal, retention)
  redis.call('PEXPIRE', alerts, retention)
  redis.call('PEXPIRE', KEYS[8], retention)
  redis.call('ZREM', open_incidents, closing)
  redis.call('ZREM', watched, closing)
end
return entry_id
