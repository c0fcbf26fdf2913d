/// Runs `iterations` rounds of twelve independent vector FMA chains held in registers; the caller
/// times it. FLOPs: iterations × 12 × 2 × lanes. Returns a value that depends on every chain.
@_transparent
public func multiplyAddChains<V: KernelVector>(_ vector: V.Type, _ iterations: Int) -> Float {
  let x = V(repeating: 0.999)
  let y = V(repeating: 0.001)
  var c0 = V(repeating: 0)
  var c1 = V(repeating: 1)
  var c2 = V(repeating: 2)
  var c3 = V(repeating: 3)
  var c4 = V(repeating: 4)
  var c5 = V(repeating: 5)
  var c6 = V(repeating: 6)
  var c7 = V(repeating: 7)
  var c8 = V(repeating: 8)
  var c9 = V(repeating: 9)
  var c10 = V(repeating: 10)
  var c11 = V(repeating: 11)
  var i = 0
  while i < iterations {
    c0 = y.addingOnce(c0, times: x)
    c1 = y.addingOnce(c1, times: x)
    c2 = y.addingOnce(c2, times: x)
    c3 = y.addingOnce(c3, times: x)
    c4 = y.addingOnce(c4, times: x)
    c5 = y.addingOnce(c5, times: x)
    c6 = y.addingOnce(c6, times: x)
    c7 = y.addingOnce(c7, times: x)
    c8 = y.addingOnce(c8, times: x)
    c9 = y.addingOnce(c9, times: x)
    c10 = y.addingOnce(c10, times: x)
    c11 = y.addingOnce(c11, times: x)
    i += 1
  }
  let all = ((c0 + c1) + (c2 + c3)) + ((c4 + c5) + (c6 + c7)) + ((c8 + c9) + (c10 + c11))
  return all[0]
}

/// The sum of `count` floats, a multiple of 16, as fast as a core can load them: eight vectors at a
/// time. For timing; its order of additions is that of the machine's vectors.
@_transparent
public func readArray<V: SIMD>(
  _ vector: V.Type, _ x: UnsafePointer<Float>, _ count: Int
) -> Float where V.Scalar == Float {
  let width = MemoryLayout<V>.size / 4
  var c0 = V()
  var c1 = V()
  var c2 = V()
  var c3 = V()
  var i = 0
  let raw = UnsafeRawPointer(x)
  while i + 4 * width <= count {
    c0 = c0 + raw.loadUnaligned(fromByteOffset: 4 * i, as: V.self)
    c1 = c1 + raw.loadUnaligned(fromByteOffset: 4 * (i + width), as: V.self)
    c2 = c2 + raw.loadUnaligned(fromByteOffset: 4 * (i + 2 * width), as: V.self)
    c3 = c3 + raw.loadUnaligned(fromByteOffset: 4 * (i + 3 * width), as: V.self)
    i += 4 * width
  }
  let all = (c0 + c1) + (c2 + c3)
  var rest = all[0]
  while i < count {
    rest += x[i]
    i += 1
  }
  return rest
}
