-- Tables, closures, coroutines, strings, files, errors and the garbage collector of Lua 5.4.
local words = {}
for line in io.lines(arg[0]) do for word in line:gmatch("%a+") do words[word] = (words[word] or 0) + 1 end end
local names = {}
for name in pairs(words) do names[#names + 1] = name end
table.sort(names, function(a, b) return words[a] > words[b] or words[a] == words[b] and a < b end)
for i = 1, 5 do print(i, names[i], words[names[i]]) end

local function sieve(limit)
  local composite, primes = {}, {}
  for n = 2, limit do
    if not composite[n] then
      primes[#primes + 1] = n
      for m = n * n, limit, n do composite[m] = true end
    end
  end
  return primes
end
local primes = sieve(20000)
print(#primes, primes[#primes], select("#", table.unpack(primes, 1, 200)))

local function walk(n) return coroutine.wrap(function() for i = 1, n do coroutine.yield(i, i * i) end end) end
for i, square in walk(3) do print("yielded", i, square) end

local Vector = {}
Vector.__index = Vector
Vector.__add = function(a, b) return setmetatable({ x = a.x + b.x, y = a.y + b.y }, Vector) end
Vector.__tostring = function(v) return ("<%g, %g>"):format(v.x, v.y) end
print(tostring(setmetatable({ x = 1, y = 0.5 }, Vector) + setmetatable({ x = 2, y = 0.25 }, Vector)))

print(string.pack("<i4d", -2, 1.5):byte(1, -1))
print(math.maxinteger + 1 == math.mininteger, 7 // 2, -7 // 2, -7 % 3, 7 / 2, 1 << 62, 3 | 4, 2 ^ 0.5, math.ult(1, -1))
print(("page fault at 0x3fff"):gsub("(%w+) (%w+)", "%2 %1"), utf8.char(955, 8364), utf8.len("λ€"))
print(pcall(function() local t = nil; return t.x end))
print(xpcall(error, function(m) return "handled " .. tostring(m) end, "thrown"))
print(pcall(string.rep, "x", -1), tostring(1e15), tostring(2 ^ 53), string.format("%q", 0.1), #string.rep("ab", 1000, "-"))

local name = "written"
local out <close> = assert(io.open(name, "w+b"))
out:setvbuf("full", 64)
for i = 1, 1000 do out:write(i, "\n") end
out:seek("set", 100)
print(out:read("n", "l", "L"), out:seek("end"))
os.remove(name)
print(io.open(name))

local weak = setmetatable({}, { __mode = "v" })
for i = 1, 10000 do weak[i] = { i } end
collectgarbage()
print(next(weak), os.getenv("LC_ALL"), os.time({ year = 2026, month = 1, day = 1, hour = 0 }), os.date("!%F", 86400 * 365))
local pipe = assert(io.popen("echo through a pipe; exit 3"))
print(pipe:read("a"), pipe:close())
os.exit(5, true)
