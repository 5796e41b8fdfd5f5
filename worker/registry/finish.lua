-- Closes an incident and publishes its result, and keeps a dead letter of it where it is given up: all or nothing.
--
-- KEYS     1 the incident  2 its journal  3 open incidents      4 results   5 watched incidents  6 dead letters
--          7 the alerts that came to it  8 its group, or ''  9 its placeholders  10 proposals
-- ARGV     1 incident id   2 the claim, "epoch@time of intake"  3 the result as JSON  4 retention in milliseconds
--          5 the disposition                6 how many alerts the result knows of
--          7 ... fields and values of the letter, or nothing
-- Answers  { 'published' }, { 'repeated' } when this claim has published already, or { 'stale' }
--       or { 'news', and as append.lua } when more alerts came than the result knows of: nothing was written

local incident, journal, open_incidents, results, watched = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local letters, alerts, group, proposals = KEYS[6], KEYS[7], KEYS[8], KEYS[10]
local incident_id, claim, result, retention = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local disposition, known = ARGV[5], ARGV[6]

-- A key of another type fails in the middle of a script, and what was written before it stays: look first.
for key, kind in pairs({ [results] = 'stream', [letters] = 'stream', [proposals] = 'zset' }) do
  local found = redis.call('TYPE', key)['ok']
  if found ~= kind and found ~= 'none' then
    return redis.error_reply('WRONGTYPE ' .. key .. ' is a ' .. found)
  end
end

local entry = redis.call('HMGET', incident, 'epoch', 'state', 'accepted_at',
  'occurrences', 'resolved', 'last_seen_at', 'urgency')
local is_ours = (entry[1] or '') .. '@' .. (entry[3] or '') == claim
if is_ours and entry[2] == 'CLOSED' then
  return { 'repeated' }
end
if not is_ours or entry[2] ~= 'CLAIMED' then
  return { 'stale' }
end
local came = (tonumber(entry[4] or 1) or 1) - 1 + (tonumber(entry[5] or 0) or 0)
if tonumber(known) ~= came then
  return { 'news', entry[4] or '', entry[5] or '', entry[6] or '', entry[7] or '' }
end

local clock = redis.call('TIME')
local now = string.format('%.0f', clock[1] * 1000 + math.floor(clock[2] / 1000))

-- What may fail comes first: an incident that is closed has been published.
if #ARGV > 6 then
  redis.call('XADD', letters, '*', unpack(ARGV, 7))
end
redis.call('XADD', results, '*', 'incident_id', incident_id, 'version', '1', 'result', result)
redis.call('HSET', incident, 'state', 'CLOSED', 'result', result, 'disposition', disposition, 'closed_at', now)
redis.call('HDEL', incident, 'lease_until', 'token')
if disposition == 'awaiting_approval' then
  redis.call('ZREMRANGEBYSCORE', proposals, '-inf', string.format('%.0f', now - retention))
  redis.call('ZADD', proposals, now, incident_id)
end
redis.call('ZREM', open_incidents, incident_id)
redis.call('ZREM', watched, incident_id)
redis.call('PEXPIRE', incident, retention)
redis.call('PEXPIRE', journal, retention)
redis.call('PEXPIRE', alerts, retention)
redis.call('PEXPIRE', KEYS[9], retention)
if group ~= '' then
  redis.call('PEXPIRE', group, retention)
end
return { 'published' }
