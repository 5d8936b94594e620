// The supervisor's description of itself for who looks from outside (quire/arch/description.h).
#pragma once

namespace kernel {

/// Fills in where things begin: from here on the description can be used. After the first process was made.
void publish_description();

}  // namespace kernel
