/// The first values of a tensor, by its number among those of a model.
extension Philox {
  /// Fills a tensor with numbers that are uniform on ±`bound`.
  package func fillUniform(
    _ values: UnsafeMutablePointer<Float>, count: Int, bound: Float, tensor: UInt32
  ) {
    var i = 0
    while i < count {
      let words = block(
        step: 0, stream: tensor, layer: UInt32(truncatingIfNeeded: (i / 4) >> 32),
        element: UInt32(truncatingIfNeeded: i / 4))
      for lane in 0..<min(4, count - i) {
        unsafe values[i + lane] = (2 * Self.unit(words[lane]) - 1) * bound
      }
      i += 4
    }
  }

  /// Fills a square matrix with an orthogonal one.
  ///
  /// Rounds of rotations in random disjoint planes, begun from the identity: a parallel form of
  /// Kac's walk on the rotations, which approaches the uniform distribution in O(log n) such rounds
  /// and costs O(n² log n) where an orthogonal decomposition costs O(n³).
  package func fillOrthogonal(
    _ matrix: UnsafeMutablePointer<Float>, size: Int, tensor: UInt32
  ) {
    unsafe matrix.update(repeating: 0, count: size * size)
    for i in 0..<size { unsafe matrix[i * size + i] = 1 }
    if size < 2 { return }
    var order = Array(0..<size)
    let rounds = 2 * (Int.bitWidth - (size - 1).leadingZeroBitCount) + 4
    for round in 0..<rounds {
      for i in stride(from: size - 1, to: 0, by: -1) {
        let word = block(
          step: UInt32(1 + round), stream: tensor, layer: 0, element: UInt32(i))[0]
        order.swapAt(i, Int((UInt64(word) * UInt64(i + 1)) >> 32))
      }
      for pair in 0..<size / 2 {
        let word = block(
          step: UInt32(1 + round), stream: tensor, layer: 1, element: UInt32(pair))[0]
        let angle = Double(word) * 0x1p-32 * 6.283_185_307_179_586
        unsafe Self.rotate(
          matrix + order[2 * pair] * size, matrix + order[2 * pair + 1] * size, count: size,
          cosine: Float(Elementary.cos(angle)), sine: Float(Elementary.sin(angle)))
      }
    }
  }

  private static func rotate(
    _ a: UnsafeMutablePointer<Float>, _ b: UnsafeMutablePointer<Float>, count: Int,
    cosine: Float, sine: Float
  ) {
    for i in 0..<count {
      let x = unsafe a[i]
      let y = unsafe b[i]
      unsafe a[i] = x * cosine - y * sine
      unsafe b[i] = x * sine + y * cosine
    }
  }
}
