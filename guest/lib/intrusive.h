// Intrusive lists and trees of Boost.Intrusive under short names.
//
//   struct Waiter { ListNode node; };             List<Waiter, &Waiter::node> waiters;
//   struct Vma { TreeNode node; };                Tree<Vma, &Vma::node, ByStart> vmas;   // unique keys
//
// Nodes know whether they are linked, and a linked one asserts when it is destroyed.
#pragma once

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>

#include "guest/lib/types.h"

namespace kernel {

using ListNode = boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::safe_link>>;
using TreeNode = boost::intrusive::set_member_hook<boost::intrusive::link_mode<boost::intrusive::safe_link>,
                                                   boost::intrusive::optimize_size<true>>;

/// A node that takes itself out of its list when it is destroyed, and by unlink().
using AutoListNode =
    boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
template <class T, AutoListNode T::*kNode>
using AutoList = boost::intrusive::list<T, boost::intrusive::member_hook<T, AutoListNode, kNode>,
                                        boost::intrusive::constant_time_size<false>>;

template <class T, ListNode T::*kNode>
using List = boost::intrusive::list<T, boost::intrusive::member_hook<T, ListNode, kNode>,
                                    boost::intrusive::constant_time_size<false>>;

/// `Compare` may also accept keys (heterogeneous find, lower_bound ... with a comparer argument).
template <class T, TreeNode T::*kNode, class Compare>
using Tree =
    boost::intrusive::set<T, boost::intrusive::member_hook<T, TreeNode, kNode>,
                          boost::intrusive::compare<Compare>, boost::intrusive::constant_time_size<false>>;
template <class T, TreeNode T::*kNode, class Compare>
using MultiTree = boost::intrusive::multiset<T, boost::intrusive::member_hook<T, TreeNode, kNode>,
                                             boost::intrusive::compare<Compare>,
                                             boost::intrusive::constant_time_size<false>>;

}  // namespace kernel
