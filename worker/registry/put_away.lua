-- Takes a dead letter out and writes down who did it and why; neither when it was gone already.
--
-- KEYS     1 dead letters   2 their audit
-- ARGV     1 the letter's entry id   2 ... fields and values of the word
-- Answers  1 when it was there, else 0. A second run answers 0 and writes nothing.

local letters, audit = KEYS[1], KEYS[2]
local entry_id = ARGV[1]

if #redis.call('XRANGE', letters, entry_id, entry_id) == 0 then
  return 0
end
-- The word first: a Redis that refuses to write (full, an audit of the wrong type) then takes nothing out either.
redis.call('XADD', audit, '*', unpack(ARGV, 2))
redis.call('XDEL', letters, entry_id)
return 1
