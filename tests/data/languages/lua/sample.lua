#!/usr/bin/env lua
local json = require("json")

local M = {}
M.VERSION = "1.0"
local MAX_ITEMS = 100
DEBUG = false

--- Makes a queue.
-- @param size number how many items fit
-- @return table
function M.new(size, ...)
  local self = setmetatable({ items = {}, size = size }, M)
  local function grow(n)
    return n * 2
  end
  return self
end

--[[
Adds an item.
Blocks when full.
]]
function M:push(item)
  self.items[#self.items + 1] = item
end

-- Not exported.
local function größe(queue)
  return #queue.items
end

M.pop = function(self)
  return table.remove(self.items, 1)
end

local double = function(x) return x * 2 end

function M.Node.Leaf:walk(f) f(self) end

M.__index = {
  each = function(self, f)
    for _, item in ipairs(self.items) do f(item) end
  end,
  limit = 3,
}

describe("queue", function()
  it("pops in order", function()
    assert.equal(1, 1)
  end)
end)

return M
