-- Replaces a token family if it is what it was, with what is kept beside it. What it becomes was decided by whoever read it.
-- KEYS[1] the family; ARGV the version that it has to have or '', the one that it gets, record, kept_until, held or '',
-- the field of an answer to keep or '', the answer; then the fields of answers to keep no longer.

local found = redis.call('HGET', KEYS[1], 'version') or ''
-- It was done, and its answer lost. It is written once more, so that what confirms it is about something.
if found == ARGV[2] then
  redis.call('HSET', KEYS[1], 'version', ARGV[2])
  return 1
end
if found ~= ARGV[1] then return 0 end
for at = 8, #ARGV do redis.call('HDEL', KEYS[1], ARGV[at]) end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'record', ARGV[3])
if ARGV[5] ~= '' then redis.call('HSET', KEYS[1], 'held', ARGV[5]) end
if ARGV[6] ~= '' then redis.call('HSET', KEYS[1], ARGV[6], ARGV[7]) end
redis.call('PEXPIREAT', KEYS[1], ARGV[4])
return 1
