import Kernels

/// The elements that alone take part in an exchange, of the first buckets of an arena: the others
/// are +0 on every rank, or as they were. They lie side by side, in the order of the arena, in
/// arenas of their own, so that messages are as before, only shorter. The same on all ranks.
@safe package struct SelectedElements {
  /// The buckets from the first on that it is about; they end at multiples of 4,096
  /// or with the arena.
  package var bucketCount: Int
  /// For every block of 4,096 elements of these buckets, the number of selected elements before it;
  /// and that of all.
  package var starts: UnsafePointer<Int>
  /// Where the selected elements lie: of a reduction, an arena for each node; of a gathering, one.
  package var arenas: UnsafePointer<UnsafeMutablePointer<Float>>

  package init(
    bucketCount: Int, starts: UnsafePointer<Int>,
    arenas: UnsafePointer<UnsafeMutablePointer<Float>>
  ) {
    self.bucketCount = bucketCount
    unsafe self.starts = unsafe starts
    unsafe self.arenas = unsafe arenas
  }

  /// Where the selected ones of `elements` lie; bounds are multiples of 4,096, or the
  /// end of the arena.
  package func places(of elements: Range<Int>) -> Range<Int> {
    unsafe starts[block(elements.lowerBound)]..<starts[block(elements.upperBound)]
  }

  /// The block that begins at `bound`, or would if the arena did not end there.
  private func block(_ bound: Int) -> Int { (bound + canonicalBlock - 1) / canonicalBlock }
}

extension Stage {
  /// What takes part of `elements` of a bucket: where it lies in the bucket's arenas.
  func places(of elements: Range<Int>, in bucket: Int) -> Range<Int> {
    guard let selected, bucket < selected.bucketCount else { return elements }
    return selected.places(of: elements)
  }

  /// The partial sums in which the elements of a bucket lie.
  func partialSums(
    of bucket: Int, _ whole: UnsafePointer<UnsafeMutablePointer<Float>>
  ) -> UnsafePointer<UnsafeMutablePointer<Float>> {
    guard let selected, bucket < selected.bucketCount else { return unsafe whole }
    return unsafe selected.arenas
  }

  /// The arena in which the elements of a bucket lie.
  func arena(
    of bucket: Int, _ whole: UnsafeMutablePointer<Float>
  ) -> UnsafeMutablePointer<Float> {
    guard let selected, bucket < selected.bucketCount else { return unsafe whole }
    return unsafe selected.arenas[0]
  }
}
