-- Notes that a sink which has the page, or will have it, is to show what an engineer did, once, after all before it.
--
-- A sink that handed the page over, or gave it up, may have it all the same. What was settled before its page, or given
-- up, and is opened again, is a page now: of the result that it is opened with, and of nothing that came before it. A
-- page that somebody is about to settle is kept.
--
-- KEYS     1 the delivery  2 its steps  3 what is due at the sink  4 what was settled  5 what was given up
-- ARGV     1 the incident's id  2 the result  3 the step  4 what tells this step from others  5 the sink
--          6 '1' when it opens the incident again  7 how long the record is kept, in milliseconds
--          8 when the result's triage ended, if only sinks are meant whose page was noted of another one; else 0
-- Answers  1 when it was noted now, 0 when it had been before, or the sink has no page of it

local delivery, steps, due, settled, given_up = unpack(KEYS)
local id, result, step, digest, name, opens, kept = unpack(ARGV, 1, 7)
local finished_at = tonumber(ARGV[8])

local state = redis.call('HGET', delivery, 'state')
local may_have_it = redis.call('HEXISTS', delivery, 'doubtful') == 1
local is_page_due = (state == 'SETTLED' or state == 'GIVEN_UP') and opens == '1'
if not state or not (state == 'WAITING' or state == 'DELIVERED' or may_have_it or is_page_due) then
  return 0
end
if finished_at > 0 and tonumber(redis.call('HGET', delivery, 'finished_at') or 0) == finished_at then
  return 0
end
if redis.call('HSETNX', delivery, 'follows:' .. digest, 1) == 0 then
  return 0
end

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

if opens == '1' then
  redis.call('HSET', delivery, 'result', result, 'opened_again', 1)
else
  redis.call('HSETNX', delivery, 'result', result)
end
if is_page_due then
  redis.call('HSET', delivery, 'state', 'WAITING', 'tries', 0)
  redis.call('HDEL', delivery, 'token', 'first_tried_at')
  redis.call('PERSIST', delivery)
  redis.call('DEL', steps, steps .. ':left')
  redis.call('ZREM', settled, name .. ' ' .. id)
  redis.call('ZREM', given_up, name .. ' ' .. id)
  step = 'page'
end
if redis.call('RPUSH', steps, step) == 1 then
  redis.call('ZADD', due, now, id)
end
if state ~= 'WAITING' and not is_page_due then
  -- A sink that has left the routes file takes nothing any more: what is kept for it must end.
  redis.call('PEXPIRE', delivery, kept)
  redis.call('PEXPIRE', steps, kept)
end
return 1
