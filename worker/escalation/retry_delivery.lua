-- Notes again what was given up at one sink, after a person has mended it: pages, and what was done since they came.
--
-- KEYS     1 what was given up  2 what is due at the sink  3 the sink
-- ARGV     1 the sink  2 how the keys of its deliveries begin
-- Answers  of how many incidents something is due again

local given_up, due, sink = KEYS[1], KEYS[2], KEYS[3]
local name, beginning = ARGV[1] .. ' ', ARGV[2]

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

-- What was shown at a page that may not have been there is noted anew with it, as far as it still holds.
local function forget_what_was_shown(delivery)
  for _, field in ipairs(redis.call('HKEYS', delivery)) do
    if field:sub(1, 8) == 'follows:' then
      redis.call('HDEL', delivery, field)
    end
  end
end

local count = 0
for _, member in ipairs(redis.call('ZRANGE', given_up, 0, -1)) do
  if member:sub(1, #name) == name then
    local id = member:sub(#name + 1)
    local delivery = beginning .. id
    local steps = delivery .. ':steps'
    local left = redis.call('LRANGE', steps .. ':left', 0, -1)
    local is_page = redis.call('HGET', delivery, 'state') == 'GIVEN_UP'
    redis.call('ZREM', given_up, member)
    if is_page then
      redis.call('HSET', delivery, 'state', 'WAITING', 'tries', 0)
      redis.call('HDEL', delivery, 'first_tried_at')
      redis.call('PERSIST', delivery)
      redis.call('PERSIST', steps)
      redis.call('LREM', steps, 0, 'page')
      if #left == 0 and redis.call('EXISTS', steps) == 0 then
        forget_what_was_shown(delivery)
      end
    end
    for place = #left, 1, -1 do
      redis.call('LPUSH', steps, left[place])
    end
    redis.call('DEL', steps .. ':left')
    if is_page then
      redis.call('LPUSH', steps, 'page')
    end
    if is_page or #left > 0 then
      redis.call('ZADD', due, now, id)
      count = count + 1
    end
  end
end
redis.call('HDEL', sink, 'failures', 'failing_since_at', 'failed_at', 'tried_again_at', 'paused_until', 'error')
return count
