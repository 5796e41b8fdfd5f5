-- Writes one entry to the end of the audit, once, whoever else writes there.
--
-- KEYS     1 the audit   2 its ids
-- ARGV     1 the end that the entry was made for   2 the entry's own place   3 its own id   4 ... its fields and values
-- Answers  { 'written', place }, also when it was written before, or { 'moved', the end } and nothing was written

local audit, ids = KEYS[1], KEYS[2]

local wrong = wrong_type({ [audit] = 'stream', [ids] = 'hash' })
if wrong then
  return redis.error_reply(wrong)
end
local before = redis.call('HGET', ids, ARGV[3])
if before then
  return { 'written', is_place(before) and before or audit_end(audit, ids) }
end
local newest = audit_end(audit, ids)
if newest ~= ARGV[1] then
  return { 'moved', newest }
end
audit_append(audit, ids, ARGV[3], ARGV[2], { unpack(ARGV, 4) })
return { 'written', ARGV[2] }
