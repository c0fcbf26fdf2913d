import Kernels

/// Which elements of an arena each rank owns: one part of every bucket.
///
/// A bucket is a run of elements that ranks exchange as a whole, as soon as its gradients are done.
/// Because each is cut into a part for every rank, all links are busy with every bucket.
package struct Ownership: Sendable, Equatable {
  package let elementCount: Int
  /// In arena order and without gaps. Bounds are multiples of 4,096 or `elementCount`.
  package let buckets: [Range<Int>]
  /// The owned elements, by rank and bucket; a part may be empty.
  package let parts: [[Range<Int>]]

  /// A run of owned elements, and where an array of a rank's owned elements alone has them.
  package struct Slice: Sendable, Equatable {
    package let bucket: Int
    package let elements: Range<Int>
    package let place: Int

    /// The elements whose places are in `places`.
    @inline(__always) package func elements(at places: Range<Int>) -> Range<Int> {
      let own = (place..<place + elements.count).clamped(to: places)
      let shift = elements.lowerBound - place
      return own.lowerBound + shift..<own.upperBound + shift
    }
  }

  /// Preconditions: `buckets` are as above.
  ///
  /// - Parameter partNumbers: which part of every bucket each rank owns.
  init(elementCount: Int, buckets: [Range<Int>], partNumbers: [Int]) {
    var end = 0
    for bucket in buckets {
      precondition(bucket.lowerBound == end, "bucket \(bucket) after element \(end)")
      precondition(
        bucket.upperBound.isMultiple(of: canonicalBlock) || bucket.upperBound == elementCount,
        "bucket \(bucket) does not end at a block")
      end = bucket.upperBound
    }
    precondition(end == elementCount, "buckets of \(end) elements for \(elementCount)")
    self.elementCount = elementCount
    self.buckets = buckets
    parts = partNumbers.map { number in
      buckets.map { BlockCut.part(number, of: partNumbers.count, in: $0) }
    }
  }

  /// The number of elements that a rank owns.
  package func count(ofRank rank: Int) -> Int { parts[rank].reduce(0) { $0 + $1.count } }

  /// The owned runs of a rank that hold something, in arena order. Their places are multiples of
  /// 4,096.
  package func slices(ofRank rank: Int) -> [Slice] {
    var place = 0
    var slices: [Slice] = []
    for (bucket, part) in parts[rank].enumerated() where !part.isEmpty {
      slices.append(Slice(bucket: bucket, elements: part, place: place))
      place += part.count
    }
    return slices
  }

  /// The numbers of the blocks of 4,096 elements that a rank owns, in arena order.
  package func blocks(ofRank rank: Int) -> [Int] {
    parts[rank].flatMap { part in
      stride(from: part.lowerBound, to: part.upperBound, by: canonicalBlock).map {
        $0 / canonicalBlock
      }
    }
  }
}

/// Cuts of an arena into nearly equal parts at multiples of the canonical block.
enum BlockCut {
  /// Parts `numbers` out of `parts` of `range`, which starts at a multiple of the block.
  static func parts(_ numbers: Range<Int>, of parts: Int, in range: Range<Int>) -> Range<Int> {
    let blocks = (range.count + canonicalBlock - 1) / canonicalBlock
    func bound(_ part: Int) -> Int {
      min(range.upperBound, range.lowerBound + part * blocks / parts * canonicalBlock)
    }
    return bound(numbers.lowerBound)..<bound(numbers.upperBound)
  }

  static func part(_ index: Int, of parts: Int, in range: Range<Int>) -> Range<Int> {
    Self.parts(index..<index + 1, of: parts, in: range)
  }

  static func part(_ index: Int, of parts: Int, elementCount: Int) -> Range<Int> {
    part(index, of: parts, in: 0..<elementCount)
  }
}
