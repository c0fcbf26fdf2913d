/// The kernels of one instruction set as plain C function pointers: only pointers and integers
/// cross from one instruction set's module to another.
///
/// Each module of an instruction set fills one table (`fill…Kernels`); nothing of it may be called
/// before the machine is known to have the instruction set.
@frozen public struct KernelTable {
  /// Floats of a vector register.
  public var vectorWidth: Int
  /// Most rows of a register tile.
  public var maximumRows: Int
  /// Columns of a packed panel.
  public var panelWidth: Int

  public typealias Gate = @convention(c) (UnsafeRawPointer) -> Void
  public typealias Raw = @convention(c) (UnsafeRawPointer) -> Void

  public var product: Raw
  public var packTransposed: Raw
  public var packRows: Raw
  public var packShardColumns:
    @convention(c) (UnsafeRawPointer, Int, UnsafeMutablePointer<Float>) -> Void
  public var weightGradient: Raw
  public var resetBeforeGates: Gate
  public var resetBeforeState: Gate
  public var resetAfterState: Gate
  public var recurrentState: Gate
  public var resetBeforeBackwardState: Gate
  public var resetBeforeBackwardGates: Gate
  public var resetAfterBackward: Gate
  public var recurrentBackward: Gate
  public var resetAfterSum: Gate
  public var resetAfterBackwardSum: Gate
  public var normalize: Raw
  public var normalizeBackward: Raw
  public var softmaxCrossEntropy: Raw
  public var softmaxBlock: Raw
  public var softmaxBlockGradient: Raw
  public var softmaxJoin:
    @convention(c) (UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>, Int, Float) -> Float
  public var valueLoss: Raw
  public var dropRows: Raw
  public var add:
    @convention(c) (
      UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int
    ) -> Void
  public var subtract:
    @convention(c) (
      UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int
    ) -> Void
  public var blockSquares:
    @convention(c) (UnsafePointer<Float>, Int, UnsafeMutablePointer<Double>) -> Void
  public var blockHashes:
    @convention(c) (UnsafePointer<Float>, Int, UnsafeMutablePointer<UInt64>) -> Void
  public var adam:
    @convention(c) (
      UnsafeMutablePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>,
      UnsafeMutablePointer<Float>, Int, UnsafeRawPointer
    ) -> Void
  public var momentum:
    @convention(c) (
      UnsafeMutablePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int,
      UnsafeRawPointer
    ) -> Void
  public var nesterov:
    @convention(c) (
      UnsafeMutablePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int,
      UnsafeRawPointer
    ) -> Void
  public var rootStep:
    @convention(c) (
      UnsafeMutablePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int,
      UnsafeRawPointer
    ) -> Void
  public var average:
    @convention(c) (UnsafeMutablePointer<Float>, UnsafePointer<Float>, Int, Float) -> Void
  /// exp, sigmoid or tanh (0, 1, 2) of `count` floats, a multiple of 16; for tests.
  public var elementary:
    @convention(c) (Int, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int) -> Void
  public var multiplyAddChains: @convention(c) (Int) -> Float
  public var readArray: @convention(c) (UnsafePointer<Float>, Int) -> Float

  @inlinable @inline(__always) public init(
    vectorWidth: Int, maximumRows: Int, panelWidth: Int,
    product: @escaping Raw, packTransposed: @escaping Raw, packRows: @escaping Raw,
    packShardColumns:
      @escaping @convention(c) (UnsafeRawPointer, Int, UnsafeMutablePointer<Float>) -> Void,
    weightGradient: @escaping Raw,
    resetBeforeGates: @escaping Gate, resetBeforeState: @escaping Gate,
    resetAfterState: @escaping Gate, recurrentState: @escaping Gate,
    resetBeforeBackwardState: @escaping Gate, resetBeforeBackwardGates: @escaping Gate,
    resetAfterBackward: @escaping Gate, recurrentBackward: @escaping Gate,
    resetAfterSum: @escaping Gate, resetAfterBackwardSum: @escaping Gate,
    normalize: @escaping Raw, normalizeBackward: @escaping Raw,
    softmaxCrossEntropy: @escaping Raw, softmaxBlock: @escaping Raw,
    softmaxBlockGradient: @escaping Raw,
    softmaxJoin:
      @escaping @convention(c) (
        UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>, Int, Float
      ) -> Float,
    valueLoss: @escaping Raw,
    dropRows: @escaping Raw,
    add:
      @escaping @convention(c) (
        UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int
      ) -> Void,
    subtract:
      @escaping @convention(c) (
        UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int
      ) -> Void,
    blockSquares:
      @escaping @convention(c) (UnsafePointer<Float>, Int, UnsafeMutablePointer<Double>) -> Void,
    blockHashes:
      @escaping @convention(c) (UnsafePointer<Float>, Int, UnsafeMutablePointer<UInt64>) -> Void,
    adam:
      @escaping @convention(c) (
        UnsafeMutablePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>,
        UnsafeMutablePointer<Float>, Int, UnsafeRawPointer
      ) -> Void,
    momentum:
      @escaping @convention(c) (
        UnsafeMutablePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int,
        UnsafeRawPointer
      ) -> Void,
    nesterov:
      @escaping @convention(c) (
        UnsafeMutablePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int,
        UnsafeRawPointer
      ) -> Void,
    rootStep:
      @escaping @convention(c) (
        UnsafeMutablePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int,
        UnsafeRawPointer
      ) -> Void,
    average:
      @escaping @convention(c) (
        UnsafeMutablePointer<Float>, UnsafePointer<Float>, Int, Float
      ) -> Void,
    elementary: @escaping @convention(c) (
      Int, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int
    ) -> Void,
    multiplyAddChains: @escaping @convention(c) (Int) -> Float,
    readArray: @escaping @convention(c) (UnsafePointer<Float>, Int) -> Float
  ) {
    self.vectorWidth = vectorWidth
    self.maximumRows = maximumRows
    self.panelWidth = panelWidth
    self.product = product
    self.packTransposed = packTransposed
    self.packRows = packRows
    self.packShardColumns = packShardColumns
    self.weightGradient = weightGradient
    self.resetBeforeGates = resetBeforeGates
    self.resetBeforeState = resetBeforeState
    self.resetAfterState = resetAfterState
    self.recurrentState = recurrentState
    self.resetBeforeBackwardState = resetBeforeBackwardState
    self.resetBeforeBackwardGates = resetBeforeBackwardGates
    self.resetAfterBackward = resetAfterBackward
    self.recurrentBackward = recurrentBackward
    self.resetAfterSum = resetAfterSum
    self.resetAfterBackwardSum = resetAfterBackwardSum
    self.normalize = normalize
    self.normalizeBackward = normalizeBackward
    self.softmaxCrossEntropy = softmaxCrossEntropy
    self.softmaxBlock = softmaxBlock
    self.softmaxBlockGradient = softmaxBlockGradient
    self.softmaxJoin = softmaxJoin
    self.valueLoss = valueLoss
    self.dropRows = dropRows
    self.add = add
    self.subtract = subtract
    self.blockSquares = blockSquares
    self.blockHashes = blockHashes
    self.adam = adam
    self.momentum = momentum
    self.nesterov = nesterov
    self.rootStep = rootStep
    self.average = average
    self.elementary = elementary
    self.multiplyAddChains = multiplyAddChains
    self.readArray = readArray
  }
}

extension UnsafeRawPointer {
  /// The argument block behind an untyped kernel argument.
  @inlinable @inline(__always) public func arguments<T>(_ type: T.Type) -> UnsafePointer<T> {
    assumingMemoryBound(to: type)
  }
}

@inlinable @inline(__always)
public func elementaryArray(
  _ which: Int, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ count: Int
) {
  var i = 0
  while i + 16 <= count {
    let value = loadLanes(x + i)
    switch which {
    case 0: storeLanes(exponential(value), y + i)
    case 1: storeLanes(sigmoid(value), y + i)
    default: storeLanes(hyperbolicTangent(value), y + i)
    }
    i += 16
  }
}

/// The table of one vector type, made inside the module that is compiled for its instruction set.
/// Spelled as a function that is always inlined, so that every kernel is compiled there.
@inlinable @inline(__always)
public func panelWidth<V: SIMD>(_ vector: V.Type) -> Int where V.Scalar == Float {
  Columns2<V>.width
}
