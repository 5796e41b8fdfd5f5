-- Closes an incident and publishes its result, and keeps a dead letter of it where it is given up: all or nothing.
--
-- KEYS     1 the incident  2 its journal  3 open incidents      4 results   5 watched incidents  6 dead letters
-- ARGV     1 incident id   2 epoch        3 the result as JSON  4 retention in milliseconds
--          5 ... fields and values of the letter, or nothing
-- Answers  'published', 'repeated' when this epoch has published already, or 'stale'

local incident, journal, open_incidents, results, watched = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local letters = KEYS[6]
local incident_id, epoch, result, retention = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local entry = redis.call('HMGET', incident, 'epoch', 'state')
if entry[1] == epoch and entry[2] == 'CLOSED' then
  return 'repeated'
end
if entry[1] ~= epoch or entry[2] ~= 'CLAIMED' then
  return 'stale'
end

-- What may fail comes first: an incident that is closed has been published.
if #ARGV > 4 then
  redis.call('XADD', letters, '*', unpack(ARGV, 5))
end
redis.call('XADD', results, '*', 'incident_id', incident_id, 'version', '1', 'result', result)
redis.call('HSET', incident, 'state', 'CLOSED', 'result', result)
redis.call('HDEL', incident, 'lease_until', 'token')
redis.call('ZREM', open_incidents, incident_id)
redis.call('ZREM', watched, incident_id)
redis.call('PEXPIRE', incident, retention)
redis.call('PEXPIRE', journal, retention)
return 'published'
