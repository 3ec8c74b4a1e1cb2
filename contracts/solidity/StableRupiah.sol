// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {Governed} from "./Governed.sol";
import {Registry} from "./Registry.sol";

/// @title StableRupiah: a token for tests; one unit is one rupiah. Paying with it is not lawful in Indonesia.
contract StableRupiah is ERC20, Governed {
    constructor(Registry registry_) ERC20("Test rupiah", "tIDR") Governed(registry_) {}

    /// @notice Whole rupiah.
    function decimals() public pure override returns (uint8) {
        return 0;
    }

    /// @notice Give test money. Only the operator.
    function mint(address to, uint256 idr) external only(registry.OPERATOR()) {
        _mint(to, idr);
    }
}
