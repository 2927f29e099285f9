-- Revocations as records, and what is counted of them. A record is 34 bytes: version, reach (1 up to, 2 all), cut-off, made_at,
-- until, kept_until, each big-endian in milliseconds and never more than 2^53 away from zero.

local HOUR = 3600000

local function millis(time) return string.format('%.0f', time) end

local function read(record)
  local version = string.byte(record, 1)
  if version ~= 1 then return nil, 'CSVERSION revocation ' .. (version or 0) end
  local reach = string.byte(record, 2)
  if #record ~= 34 or (reach ~= 1 and reach ~= 2) then return nil, 'CSDAMAGED revocation' end
  local cut_off, made_at, till, kept = struct.unpack('>i8i8i8i8', record, 3)
  for _, time in ipairs({ cut_off, made_at, till, kept }) do
    if math.abs(time) > 9007199254740992 then return nil, 'CSDAMAGED revocation' end
  end
  return { reach = reach, cut_off = cut_off, made_at = made_at, till = till, kept = kept }
end

local function write(one)
  return string.char(1, one.reach) .. struct.pack('>i8i8i8i8', one.cut_off, one.made_at, one.till, one.kept)
end

-- The later of each: the order in which they come, and how often, changes nothing.
local function merge(one, other)
  local reach = math.max(one.reach, other.reach)
  return {
    reach = reach,
    cut_off = reach == 2 and 0 or math.max(one.cut_off, other.cut_off),
    made_at = math.max(one.made_at, other.made_at),
    till = math.max(one.till, other.till),
    kept = math.max(one.kept, other.kept),
  }
end

local function hour(entry) return millis(math.floor(entry.till / HOUR)) end

-- An hour's count and the exclusive or of its digests, as 'count:16 hex digits'. Lua's bits are 32 at a time.
local function tally(text)
  if not text then return { count = 0, high = 0, low = 0 } end
  local count, high, low = string.match(text, '^(%d+):(%x%x%x%x%x%x%x%x)(%x%x%x%x%x%x%x%x)$')
  if not count then return nil end
  return { count = tonumber(count), high = tonumber(high, 16), low = tonumber(low, 16) }
end

local function count(tally, key, record, by)
  local digest = redis.sha1hex(key .. record)
  tally.count = tally.count + by
  tally.high = bit.bxor(tally.high, tonumber(string.sub(digest, 1, 8), 16))
  tally.low = bit.bxor(tally.low, tonumber(string.sub(digest, 9, 16), 16))
end

-- The tallies of these hours, read before anything is written.
local function tallies_of(name, hours)
  local all = {}
  for at in pairs(hours) do
    all[at] = tally(redis.call('HGET', name, at))
    if not all[at] then return nil, 'CSDAMAGED tally' end
  end
  return all
end

local function keep_tallies(name, all)
  for at, one in pairs(all) do
    if one.count > 0 then
      redis.call('HSET', name, at, millis(one.count) .. ':' .. bit.tohex(one.high) .. bit.tohex(one.low))
    else
      redis.call('HDEL', name, at)
    end
  end
end

-- Makes both sorted sets and the tallies of the copy alone. It takes seconds for a million.
local function count_anew(copy, ends, lives, name)
  local flat, all = redis.call('HGETALL', copy), {}
  for at = 1, #flat, 2 do
    local one, problem = read(flat[at + 1])
    if not one then return problem end
    local of = hour(one)
    all[of] = all[of] or tally(nil)
    count(all[of], flat[at], flat[at + 1], 1)
  end
  redis.call('DEL', ends, lives, name)
  for at = 1, #flat, 2 do
    local one = read(flat[at + 1])
    redis.call('ZADD', ends, millis(one.till), flat[at])
    redis.call('ZADD', lives, millis(one.kept), flat[at])
  end
  keep_tallies(name, all)
end
