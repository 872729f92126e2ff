# frozen_string_literal: true

require 'set'

MAX_DEPTH = 10

# Walks trees.
#
# Depth first.
module Walker
  VERSION = '1.0'

  class Error < StandardError; end

  # One step.
  Step = Struct.new(:node, :depth) do
    def root?
      depth.zero?
    end
  end

  class Tree < Base
    include Enumerable

    attr_reader :root, :größe
    attr_accessor :name

    # @param root [Node]
    def initialize(root, *children, key: nil, &block)
      @root = root
    end

    def self.load(path) = new(File.read(path))

    class << self
      def empty
        new(nil)
      end
    end

    def each
      return to_enum unless block_given?

      yield root
    end

    def <=>(other)
      name <=> other.name
    end

    def [](index) = root.children[index]

    def name=(value)
      @name = value
    end

    alias_method :size, :größe
    alias to_str name

    private

    def helper; end
  end

  def self.walk(tree, &)
    tree.each(&)
  end
end

class Walker::Tree::Cursor
  def next!; end
end

def top_level(a, b = 2)
  a + b
end

namespace :db do
  desc 'Creates the tables'
  task migrate: :environment do
    top_level(1)
  end
end

RSpec.describe Walker::Tree do
  describe '#each' do
    it 'yields the root' do
      expect(1).to eq(1)
    end
  end
end

class TreeTest < Minitest::Test
  def test_each
    assert true
  end

  test 'names are kept' do
    assert true
  end
end

class Silence
  # Said of the first method, not of the class.
  def speak
  end
end
