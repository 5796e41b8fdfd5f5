-- Writes one step to an incident's journal, for the claim that holds it.
--
-- KEYS     1 the incident  2 its journal
-- ARGV     1 the claim, "epoch@time of intake"  2 number of the step  3 the step as JSON
-- Answers  { 'appended', or 'repeated' when a step of this number stands there already, and of the alerts that came to
--          the incident how many with its own, how many of them are over, when the last came, the index of the most
--          urgent queue, or '' each } or { 'stale' }

local incident, journal = KEYS[1], KEYS[2]
local claim, number, step = ARGV[1], tonumber(ARGV[2]), ARGV[3]

local entry = redis.call('HMGET', incident, 'epoch', 'state', 'last_step', 'accepted_at',
  'occurrences', 'resolved', 'last_seen_at', 'urgency')
if (entry[1] or '') .. '@' .. (entry[4] or '') ~= claim or entry[2] ~= 'CLAIMED' then
  return { 'stale' }
end
local function answer(word)
  return { word, entry[5] or '', entry[6] or '', entry[7] or '', entry[8] or '' }
end

if entry[3] and tonumber(entry[3]) >= number then
  return answer('repeated')
end

redis.call('RPUSH', journal, step)
redis.call('HSET', incident, 'last_step', number)
return answer('appended')
