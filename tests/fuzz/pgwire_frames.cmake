eventd_fuzzer(pgwire_frames pgwire_frames.cpp LINKS eventd_pgwire)
