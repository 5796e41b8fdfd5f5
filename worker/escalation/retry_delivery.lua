-- Notes again what was given up at one sink, after a person has mended it.
--
-- KEYS     1 what was given up  2 what is due at the sink  3 the sink
-- ARGV     1 the sink  2 how the keys of its deliveries begin
-- Answers  how many pages are due again

local given_up, due, sink = KEYS[1], KEYS[2], KEYS[3]
local name, beginning = ARGV[1] .. ' ', ARGV[2]

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local count = 0
for _, member in ipairs(redis.call('ZRANGE', given_up, 0, -1)) do
  if member:sub(1, #name) == name then
    local id = member:sub(#name + 1)
    local delivery = beginning .. id
    redis.call('ZREM', given_up, member)
    if redis.call('HGET', delivery, 'state') == 'GIVEN_UP' then
      redis.call('HSET', delivery, 'state', 'WAITING')
      redis.call('PERSIST', delivery)
      redis.call('PERSIST', delivery .. ':steps')
      redis.call('ZADD', due, now, id)
      count = count + 1
    end
  end
end
redis.call('HDEL', sink, 'failures', 'failing_since_at', 'failed_at', 'tried_again_at', 'paused_until', 'error')
return count
