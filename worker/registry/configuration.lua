-- Writes into the audit which configuration a program uses, and keeps what was told for the next start: both or not.
--
-- KEYS     1 the audit   2 its ids   3 what the program told last
-- ARGV     1 the end that the entry was made for   2 the entry's own place   3 its own id
--          4 how many values are told, their names not counted   5 ... names and values, then the entry's fields
-- Answers  { 'written', '' }, also when it was written before, or { 'moved', the end } and nothing was written

local audit, ids, kept = KEYS[1], KEYS[2], KEYS[3]

local wrong = wrong_type({ [audit] = 'stream', [ids] = 'hash', [kept] = 'hash' })
if wrong then
  return redis.error_reply(wrong)
end
if redis.call('HGET', ids, ARGV[3]) then
  return { 'written', '' }
end
local newest = audit_end(audit, ids)
if newest ~= ARGV[1] then
  return { 'moved', newest }
end
local entry_begins = 5 + 2 * ARGV[4]
audit_append(audit, ids, ARGV[3], ARGV[2], { unpack(ARGV, entry_begins) })
if entry_begins > 5 then
  redis.call('HSET', kept, unpack(ARGV, 5, entry_begins - 1))
end
return { 'written', '' }
