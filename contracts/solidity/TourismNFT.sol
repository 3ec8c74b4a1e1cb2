// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {ERC2981} from "@openzeppelin/contracts/token/common/ERC2981.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Governed} from "./Governed.sol";
import {Registry} from "./Registry.sol";

/// @title TourismNFT: art of Prigi beach or Lowo cave; a share of every sale, and the royalty, goes to conservation
contract TourismNFT is ERC721, ERC2981, Governed {
    using SafeERC20 for IERC20;

    IERC20 public immutable money;
    address public immutable conservation;
    uint96 public immutable shareBp;
    uint256 public pieces;
    mapping(uint256 number => uint256) public priceIdr;
    mapping(uint256 number => address) public artist;
    mapping(uint256 number => bytes32) public mediaSha256;

    event Offered(uint256 indexed number, address indexed artist, uint256 priceIdr, bytes32 mediaSha256);
    event Sold(uint256 indexed number, address indexed buyer, uint256 priceIdr, uint256 conservationIdr);

    error Tourism_NotOffered(uint256 number);
    error Tourism_ShareTooHigh(uint96 shareBp);
    error Tourism_NothingToDo();

    /// @param shareBp_ conservation's part of a sale in 1/10,000; `royaltyBp` its part of later sales (EIP-2981)
    constructor(Registry registry_, IERC20 money_, address conservation_, uint96 shareBp_, uint96 royaltyBp)
        ERC721("Trenggalek tourism", "PRIGI")
        Governed(registry_)
    {
        if (shareBp_ > 10_000) revert Tourism_ShareTooHigh(shareBp_);
        (money, conservation, shareBp) = (money_, conservation_, shareBp_);
        _setDefaultRoyalty(conservation_, royaltyBp);
    }

    /// @notice Offer a new piece of an artist. Only the operator.
    function offer(address artist_, uint256 idr, bytes32 sha256_) external only(registry.OPERATOR()) returns (uint256 number) {
        if (idr == 0 || artist_ == address(0)) revert Tourism_NothingToDo();
        number = ++pieces;
        (priceIdr[number], artist[number], mediaSha256[number]) = (idr, artist_, sha256_);
        emit Offered(number, artist_, idr, sha256_);
    }

    /// @notice Buy an offered piece: the price is shared at once, and the piece is the buyer's.
    function buy(uint256 number) external running {
        uint256 idr = priceIdr[number];
        if (idr == 0) revert Tourism_NotOffered(number);
        delete priceIdr[number];
        uint256 share = idr * shareBp / 10_000;
        emit Sold(number, msg.sender, idr, share);
        money.safeTransferFrom(msg.sender, conservation, share);
        money.safeTransferFrom(msg.sender, artist[number], idr - share);
        _safeMint(msg.sender, number);
    }

    /// @inheritdoc ERC721
    function supportsInterface(bytes4 id) public view override(ERC721, ERC2981) returns (bool) {
        return super.supportsInterface(id);
    }
}
