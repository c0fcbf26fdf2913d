/// What a character is to `ChunkScanner`, by its general category and the property White_Space.
enum CharacterClass: UInt8 {
  /// L.
  case letter
  /// M, and the joiners U+200C and U+200D: they go with the character before them.
  case mark
  /// N.
  case number
  case space
  /// Punctuation, symbols, controls, and what is for private use.
  case sign
  /// A byte that belongs to no character.
  case malformed

  /// The class of a byte of ASCII.
  @inline(__always)
  init(ascii byte: UInt8) {
    switch byte {
    case 0x41...0x5A, 0x61...0x7A: self = .letter
    case 0x30...0x39: self = .number
    case 0x09...0x0D, 0x20: self = .space
    default: self = .sign
    }
  }
}

/// The classes of all characters, in two small steps: a page of 256 code points, then the place in
/// the page.
///
/// They are those of Unicode 17.0.0 for ever, as a later version would cut texts in other ways. A
/// code point that has no character there counts as the one before it.
struct CharacterClasses: Sendable {
  static let unicode17 = CharacterClasses()

  private var pageStarts = [UInt16](repeating: 0, count: 0x1100)
  private var entries: [CharacterClass] = []

  private init() {
    var classes: [CharacterClass] = []
    classes.reserveCapacity(0x11_0000)
    for byte in UInt8(0)..<0x80 { classes.append(CharacterClass(ascii: byte)) }
    var run: (kind: CharacterClass, count: Int)?
    func append() {
      if let run { classes += repeatElement(run.kind, count: max(1, run.count)) }
    }
    for letter in Self.runs.utf8 {
      if let digit = Character(Unicode.Scalar(letter)).hexDigitValue {
        run = run.map { ($0.kind, 16 * $0.count + digit) }
      } else {
        append()
        run = (Self.kind(of: letter), 0)
      }
    }
    append()
    precondition(classes.count == 0x11_0000, "\(classes.count) code points")
    for page in pageStarts.indices {
      let content = classes[page << 8..<(page + 1) << 8]
      // Most pages are like the one before, all of one class.
      if entries.isEmpty || !entries.suffix(256).elementsEqual(content) { entries += content }
      pageStarts[page] = UInt16((entries.count >> 8) - 1)
    }
  }

  @inline(__always)
  subscript(scalar: UInt32) -> CharacterClass {
    entries[Int(pageStarts[Int(scalar >> 8)]) << 8 | Int(scalar & 0xFF)]
  }

  private static func kind(of letter: UInt8) -> CharacterClass {
    switch letter {
    case UInt8(ascii: "l"): .letter
    case UInt8(ascii: "m"): .mark
    case UInt8(ascii: "n"): .number
    case UInt8(ascii: "w"): .space
    default: .sign
    }
  }

  /// Runs of code points from U+0080 on: letter, mark, number, white space or sign, and how many in
  /// hexadecimal digits where it is more than one.
  private static let runs = """
    s5ws1aws9ls7n2sls3nlsn3sl17sl1fsl1cas4lcsel5s7lsls11m70l5sl8sl5s2lsl6esl8bsm7ld0s6l29s8m2dsms\
    m2sm2sm9l23s1dmbs5l2bm15nas4l2ml63slm7s2m6l2m2sm4l2nal3s2ls10lml1em1dl59mblfnal21m9l2s4l3ms2\
    l16m4lm9lm3lm7s10l19m5s2l28sl7s7m9l2am18sm21l36m3lm12lm7lam2s2nasl10m4l37mlm10l9m5l6m4nal2s2\
    n6s2lsm7l37m1dldnam2l3msbm4l37mlm12l12m4nas9lmbl37mlm1el6m4nasln10ml3bm12l7mfndsdm5l37mlm1ala\
    m4n11sn7slm3sl37mlm1el6m4nbl2m11l37m2lm10ls5l3mn7l3m4n13sl7m4l45m1cncm2sdl30ml2mbsl7m8snas27\
    l30ml2m9lbm8ncl25s17m2s6n14smsmsms4m2l31m14sm2l5m31s8ms39l2bm14lnas6l6m4l4m3lm3l2m7l3m4ldmclm\
    nam4s2l5bsl261m3s9n17l10s10l60sl26cs2l11wl1as5l4bs3n3l21mdl13m3sbl12mel12mel34m20s3ls4lm3n20\
    sbm3smn10l65m2l22ml76m20s6nal80nes22l17m7s2l35m2bn20s7ls8m55l2fm11l9s2nas11m9scm3l1emdl2nal2c\
    m16s4l24m17s5ndl3nal24s2l40s10m3sm15l4ml6ml2m3lc6m40l1bdsls3lbs3lds3lds5lbs3wbsm2s1aw2s5ws2fw\
    s10nl3n6s5lnas6l10s30m30s2ls4ls2lasls3l5s6lslslsl4slbs2l4s5l5s4lsn33l2n5s2d6n3cs4en16s276n1e\
    s46cle5s6l4m3l7s4ns2l70sfml60m20s2fls1d0ws4l2ns19n9m6sl5s2n3l2s4l58m2s2l3sl5asl94s2n4sal20s30\
    l10s20nas1en8snfs20nas27nfs140l19c0s40l5690s40l2es2l10ds3l10nal45m4smasl1fm2l46nam2s25l9s2l67\
    s2l77ml3ml4ml17m5s4m4n6sal34scm2l32m1as2n10m12l6s3lsl2mnal1cm8s2l17m18sl20m4l2fmeselnes2l5mla\
    nal2fm17l3ml8m4ncs4l17s3lm3l32mlm3l2m2l5m2lml1cs2lbm5s2l3mcl5asles6l73m8sm4n10l3400s1900l21em\
    lasl88s21l16bs12l40s2l36s28lcs4m10s10m10s40l8fs11nas7l1as6l1asbl7as20l100s7n30s9n39s11n2s71\
    m83l60mn1fl20ndl14nl8n6l26mal1fsl30sn2fla0n10lbfsl2e7sn8l17s2n7l27n39l1bn5l16n9sl1fsl7cn2l2\
    n40lmfl28m8n10s10l1dn2sl1dn23l8sl1cm6n5s10l39s7l18n8l18n8l19s10n57lfan6l24mcn1al1fm5sl1fsd2\
    n20l2bm2s3l20s2am6l1dnal1fmbn4s1bl12m4s2al15n1bl20m3l35mfsbn1eml2m2lam4l2dmbs7mbs3l20n10m3l24\
    mfnas4lm2l2cms2lam3l30mel4s4m4sm2nalsls4n1fl2cmcs6ml2m3fl29s7l2fm11n10m5l36m2lm12l7m6l5m1el38\
    m19lmlsdm1fl35m12l4s5nas4ml51m14l2sl9nb0l2fm12s17l4m24l30m11s3lcn10s20l2bmdls7n40l1dm13ncs4\
    lecmfs65l40n1fl31mflmlm2scn50l31m10lslm1clmal28m7lm4s8m9lmbl2em10s3ls12l50s60m60l21sfn10l2f\
    m11lsfn20s2l20m6el31m15lm9n10l2amel8n10l30n100l13m4s9m2lml30mfsdnam56l10n15s2bl400n70s10lb71\
    sfl430s10ml6m19l2cbem12n6d0l260nes2l50n10l20m5sbl30m7s9l4scn13l20as3nd0l40n17s9lafmlm42l4fsl\
    mel2ncl4c9csm2s1051nas206m50s215m5s3m6s8m8s2m7s1em4s94m3s7bn40s60na0l2c1sl19sl1fsl19sl1fsl19s\
    l1fsl19sl1fsl19slan32s200m37s4m32s8msems16m465l100m30l5fm71l30m7l9nels141l1em12l2cm4nfs1d1l1c\
    m4ne0l1em2lnesc1l23ml2ml7m2l5m9l1c9n9m30l44m7l5nes313n3bsn3sn7dsnd1lf0s210ndsae3nas406lc0001\
    sffmff00s20000
    """
}
