-- Decides on one proposal, and writes the decision into the audit: both or neither. Of two at once one gets it, and
-- nothing can be written over it. The clock is the server's.
--
-- KEYS     1 the audit  2 its ids  3 the incident whose result is the proposal  4 proposals
--          5 how it stands with engineers
-- ARGV     1 the end of the audit that the entry was made for  2 the entry's own place  3 its id
--          4 incident id  5 'approved' or 'rejected'  6 the person  7 why  8 how long a proposal holds, in milliseconds
--          9 ... the audit entry's fields and values
-- Answers  { 'decided' }, { 'moved', the audit's end }: nothing was done, or { 'refused', reason, value }: how it ended,
--          what was decided, who resolved it, or the milliseconds since it was proposed

local audit, ids, incident, proposals, handling = unpack(KEYS, 1, 5)
local entry_id, incident_id, decision, person, why, within = unpack(ARGV, 3, 8)

local wrong = wrong_type({ [audit] = 'stream', [ids] = 'hash', [incident] = 'hash', [proposals] = 'zset',
  [handling] = 'hash' })
if wrong then
  return redis.error_reply(wrong)
end
-- The same decision, sent again because its reply was lost.
if redis.call('HGET', ids, entry_id) then
  return { 'decided' }
end

local entry = redis.call('HMGET', incident, 'incident', 'state', 'disposition', 'closed_at', 'decision')
if not entry[1] then
  return { 'refused', 'unknown', '' }
end
if entry[2] ~= 'CLOSED' then
  return { 'refused', 'no_result', '' }
end
if entry[3] ~= 'awaiting_approval' then
  return { 'refused', 'not_awaiting', entry[3] or '' }
end
if entry[5] then
  return { 'refused', 'decided', entry[5] }
end
local handled = redis.call('HMGET', handling, 'state', 'person')
if handled[1] == 'resolved' then
  return { 'refused', 'resolved', handled[2] or '' }
end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local proposed_at = tonumber(entry[4] or 0) or 0
-- What was proposed in the future was so by a clock that has been set back since: it could hold for any time.
if math.abs(now - proposed_at) > tonumber(within) then
  return { 'refused', 'late', string.format('%.0f', now - proposed_at) }
end

local newest = audit_end(audit, ids)
if newest ~= ARGV[1] then
  return { 'moved', newest }
end
-- What may fail comes first.
local audited_as = audit_append(audit, ids, entry_id, ARGV[2], { unpack(ARGV, 9) })
redis.call('HSET', incident, 'decision', decision, 'decided_by', person, 'decided_at', string.format('%.0f', now),
  'decision_why', why, 'decision_audited_as', audited_as)
-- An approval stays on the list until it is taken in, and its time begins anew: the process may die before that.
if decision == 'approved' then
  redis.call('ZADD', proposals, now, incident_id)
else
  redis.call('ZREM', proposals, incident_id)
end
return { 'decided' }
