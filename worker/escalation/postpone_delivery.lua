-- Puts a step off, because the sink did not take it, or because it was not even asked.
--
-- KEYS     1 the delivery  2 what is due at the sink  3 the sink
-- ARGV     1 the incident's id  2 token of the lease  3 for how long, in milliseconds  4 what went wrong; empty when the
--          sink was not asked  5 when a sink that is down is tried again  6 for how long the sink wants nothing at all
--          7 '1' when it may have the page all the same  8 '1' when it waits for the end of quiet hours  9 '1' when it
--          passes, once it is due, what is less urgent
-- Answers  1 when it was put off, 0 when the lease went to another

local delivery, due, sink = KEYS[1], KEYS[2], KEYS[3]
local id, token, delay, failure, again, pause = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
local is_doubtful, is_held, is_urgent = ARGV[7] == '1', ARGV[8] == '1', ARGV[9] == '1'

local now = milliseconds_now()
note_failure(sink, now, failure, again, pause)
if not has_lease(delivery, token) then
  return 0
end
if failure == '' and redis.call('HINCRBY', delivery, 'tries', -1) == 0 then
  redis.call('HDEL', delivery, 'first_tried_at')
end
if is_doubtful then
  redis.call('HSET', delivery, 'doubtful', 1)
end
if is_held then
  redis.call('SADD', due .. ':held', id)
end
if is_urgent then
  redis.call('ZADD', due .. ':urgent', now + delay, id)
end
redis.call('HDEL', delivery, 'token')
redis.call('ZADD', due, now + delay, id)
return 1
