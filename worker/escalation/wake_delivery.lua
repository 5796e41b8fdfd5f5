-- Lets every page that waits for the end of quiet hours be looked at anew: the hours may be others now. And lets a member
-- that was killed resume what it had in hand: nobody else sends it, and its lease is its own.
--
-- KEYS     1 what is due at the sink  2 what the member had in hand
-- ARGV     1 how the keys of its deliveries begin  2 how far what was in hand passes the rest, in milliseconds
-- Answers  how many steps are due now

local due, in_hand = KEYS[1], KEYS[2]
local beginning, head_start = ARGV[1], tonumber(ARGV[2])
-- What kills its sender each time must not do so at once for ever: after so many tries it waits for its lease.
local RESUMED_TRIES = 3

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local count = 0
local token, id = (redis.call('GET', in_hand) or ''):match('^(%x+) (.+)$')
if token then
  redis.call('DEL', in_hand)
  local kept = redis.call('HMGET', beginning .. id, 'token', 'tries')
  if kept[1] == token and tonumber(kept[2]) <= RESUMED_TRIES then
    count = redis.call('ZADD', due, 'XX', 'LT', 'CH', now - head_start, id)
  end
end

for _, held in ipairs(redis.call('SMEMBERS', due .. ':held')) do
  redis.call('ZADD', due, 'XX', 'LT', now, held)
  count = count + 1
end
redis.call('DEL', due .. ':held')
return count
