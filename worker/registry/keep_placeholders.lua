-- Keeps what an incident's placeholders stand for, for the claim that holds it.
--
-- KEYS     1 the incident  2 its placeholders
-- ARGV     1 the claim, "epoch@time of intake"  2 the sealed placeholders
-- Answers  { 'kept' } or { 'stale' }

local entry = redis.call('HMGET', KEYS[1], 'epoch', 'state', 'accepted_at')
if (entry[1] or '') .. '@' .. (entry[3] or '') ~= ARGV[1] or entry[2] ~= 'CLAIMED' then
  return { 'stale' }
end
redis.call('SET', KEYS[2], ARGV[2])
return { 'kept' }
