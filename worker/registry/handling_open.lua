-- Lets an incident wait for engineers, once. What the registry has of it is kept as long as it waits. Another result of
-- the same incident takes the place of what was concluded, and opens a resolved one again if it needs engineers: that
-- is an action of the desk's own, and in the audit, or it was not done. What waits already keeps its age.
--
-- A result is newer when it comes later: by Redis' order, not by the workers' clocks, which are apart. It is told by
-- the time at which it ended, and each is remembered, so that one that comes again changes nothing.
--
-- KEYS     1 the audit  2 its ids  3 the handling  4 its history  5 waiting incidents  6 what was done with all
--          7 the incident  8 its journal  9 the alerts that came to it  10 its placeholders
-- ARGV     1 the end of the audit that the entry was made for  2 the entry's own place  3 its id
--          4 incident id  5 what was concluded, as JSON  6 urgency, 0 to 2  7 when that was, in milliseconds
--          8 '1' when it needs engineers  9 the opening again as JSON  10 the result as JSON where it is a dead letter,
--          or ''  11 actions kept of an incident  12 actions kept of all  13 ... the audit entry's fields and values
-- Answers  { 'waits' } from now on, { 'waited' } before, or for nobody, or { 'moved', the audit's end }: not opened yet

local audit, ids, handling, history, waiting, handled = unpack(KEYS, 1, 6)
local entry_id, incident_id, concluded, urgency, finished_at, needs, told, letter = unpack(ARGV, 3, 10)

local wrong = wrong_type({ [handling] = 'hash', [waiting] = 'zset' })
if wrong then
  return redis.error_reply(wrong)
end
local known = redis.call('HMGET', handling, 'state', 'finished_at', 'score', 'result:' .. finished_at, 'opened_with')
local state = known[1]
if known[4] or known[2] == finished_at or (needs ~= '1' and not state) then
  return { 'waited' }
end
-- What needed nobody was not remembered before its incident waited, and an entry of an older version remembers no
-- result: what is older by its clock may have come before.
if (needs ~= '1' or not known[5]) and (tonumber(known[2] or '') or 0) > tonumber(finished_at) then
  return { 'waited' }
end
local opens_again = state == 'resolved' and needs == '1'
if opens_again then
  wrong = wrong_type({ [audit] = 'stream', [ids] = 'hash', [history] = 'list', [handled] = 'stream' })
  if wrong then
    return redis.error_reply(wrong)
  elseif not redis.call('HGET', ids, entry_id) then
    local newest = audit_end(audit, ids)
    if newest ~= ARGV[1] then
      return { 'moved', newest }
    end
    audit_append(audit, ids, entry_id, ARGV[2], { unpack(ARGV, 13) })
  end
end

local now = now_milliseconds()
-- A worker's clock may run ahead: nothing was concluded later than now.
local waits_since = math.max(0, math.min(tonumber(finished_at), now))
if state and state ~= 'resolved' then
  waits_since = (score_in(known[3]) or waits_since) % BAND
end
local score = whole(urgency * BAND + waits_since)
now = whole(now)
redis.call('HSET', handling, 'concluded', concluded, 'finished_at', finished_at, 'result:' .. finished_at, 1,
  'score', score)
if letter == '' then
  redis.call('HDEL', handling, 'letter')
else
  redis.call('HSET', handling, 'letter', letter)
end
if state and not opens_again then
  if state ~= 'resolved' then
    redis.call('ZADD', waiting, 'XX', score, incident_id)
  end
  return { 'waited' }
end
redis.call('HSET', handling, 'state', 'open', 'person', '', 'since', now, 'opened_with', finished_at)
if opens_again then
  redis.call('HSET', handling, 'opened_again_at', now)
  tell_all(handled, ARGV[12], incident_id, now, told)
  tell(history, ARGV[11], now, told)
else
  redis.call('HSET', handling, 'opened_at', now)
end
let_wait(waiting, score, incident_id, { handling, history, unpack(KEYS, 7) })
return { 'waits' }
